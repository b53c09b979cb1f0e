package fasttext

import (
	"cmp"
	"math"
	"slices"
)

// unbuilt is the count of an inner node before it is built, above all others.
const unbuilt = 1e15

// node is an inner node of the Huffman tree of labels: its children are labels below the number of labels, and inner
// nodes from there on.
type node struct{ left, right int }

// buildTree joins the two rarest nodes until one is left, the last. The labels are in descending order of count.
func buildTree(counts []int64) []node {
	leaves := len(counts)
	all := slices.Clone(counts)
	for range leaves - 1 {
		all = append(all, unbuilt)
	}
	tree := make([]node, 0, leaves)
	leaf, inner := leaves-1, leaves
	rarest := func() int {
		if leaf >= 0 && all[leaf] < all[inner] {
			leaf--
			return leaf + 1
		}
		inner++
		return inner - 1
	}
	for i := leaves; i < len(all); i++ {
		n := node{left: rarest()}
		n.right = rarest()
		all[i] = all[n.left] + all[n.right]
		tree = append(tree, n)
	}
	return tree
}

// Prediction is a label, without its prefix __label__, and its probability.
type Prediction struct {
	Label       string
	Probability float32
}

// leastScore is the score below which fastText looks no further: its logarithm of 0.
var leastScore = logarithm(0)

// logarithm is fastText's, which is never minus infinity. It makes the probabilities add up to a little more than 1.
func logarithm(x float32) float32 { return float32(math.Log(float64(x) + 1e-5)) }

// search visits the tree from the root down and returns the k most probable labels, the most probable one first. A node
// whose probability is below that of the k-th label so far is left out.
func (m *Model) search(hidden []float32, k int) []Prediction {
	var found []Prediction // with scores, logarithms of probabilities
	var visit func(at int, score float32)
	visit = func(at int, score float32) {
		if score < leastScore || len(found) == k && score < found[k-1].Probability {
			return
		}
		if at < len(m.labels) {
			p := Prediction{m.labels[at], score}
			i, _ := slices.BinarySearchFunc(found, p, func(a, b Prediction) int {
				return cmp.Compare(b.Probability, a.Probability)
			})
			found = slices.Insert(found, i, p)
			found = found[:min(k, len(found))]
			return
		}
		inner := at - len(m.labels)
		dot := float32(0)
		for i, v := range m.output[inner*m.dim : (inner+1)*m.dim] {
			dot += v * hidden[i]
		}
		right := float32(1 / float64(1+float32(math.Exp(float64(-dot)))))
		visit(m.tree[inner].left, score+logarithm(1-right))
		visit(m.tree[inner].right, score+logarithm(right))
	}
	visit(len(m.labels)+len(m.tree)-1, 0)
	for i := range found {
		found[i].Probability = float32(math.Exp(float64(found[i].Probability)))
	}
	return found
}
