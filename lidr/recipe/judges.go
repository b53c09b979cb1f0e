package recipe

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/lm/remote"
)

func (m Model) options() remote.Options { return remote.Options{Model: m.Path, Endpoints: m.Endpoints} }

func (j Judge) options() remote.Options {
	o := j.Model.options()
	o.KeyEnv, o.Prices, o.MaxDollars = j.KeyEnv, j.Prices, j.MaxDollars
	return o
}

// judges are the recipe's panel, its judge the first.
func (w *work) judges(ctx context.Context) ([]*lidr.Model, error) {
	first, err := w.judge(ctx)
	if err != nil {
		return nil, err
	}
	all := []*lidr.Model{first}
	for i, j := range w.recipe.Panel {
		one, err := w.other(ctx, fmt.Sprintf("panel.%d", i+1), j.options())
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// pathsAlone are the judges without what decides nothing that they say.
func pathsAlone(panel []Judge) (paths []Judge) {
	for _, j := range panel {
		paths = append(paths, Judge{Model: Model{Path: j.Path}})
	}
	return paths
}

func (s Scoring) pathsAlone() Scoring {
	for _, m := range []*Model{&s.Aligned, &s.Reference, &s.RewardModel.Model, &s.Embeddings.Model} {
		*m = Model{Path: m.Path}
	}
	s.RewardModel.KeyEnv, s.Embeddings.KeyEnv = "", ""
	return s
}

// allJudges are the judge and the panel, by their keys in a file.
func (r Recipe) allJudges() (keys []string, judges []Judge) {
	keys, judges = []string{"judge"}, []Judge{r.Judge}
	for i, j := range r.Panel {
		keys, judges = append(keys, fmt.Sprintf("panel.%d", i+1)), append(judges, j)
	}
	return keys, judges
}

// checkJudges is an error for judges that cannot judge, or of which nobody knows what they cost.
func (r Recipe) checkJudges(bad func(field string, value any, expected string) error) error {
	keys, all := r.allJudges()
	for i, j := range all {
		if j.Path == "" && i > 0 {
			return bad(keys[i]+".path", "empty", "a judge, as judge.path names one")
		}
		for k := range i {
			if all[k].Path == j.Path {
				return bad(keys[i]+".path", j.Path, "another model than "+keys[k]+".path")
			}
		}
		for _, endpoint := range j.Endpoints {
			if j.Prices == (remote.Prices{}) && j.MaxDollars >= 0 && !ours(endpoint) {
				return bad(keys[i]+".prices", "empty", fmt.Sprintf("{prompt: …, answer: …}, dollars for a million tokens of %s: "+
					"without them %s.max_dollars bounds nothing; or max_dollars: -1 for a server that costs nothing", endpoint,
					keys[i]))
			}
		}
	}
	return nil
}

// ours tells whether an endpoint is of this machine or network, whose answers nobody sells.
func ours(endpoint string) bool {
	at, err := url.Parse(endpoint)
	if err != nil {
		return true // whoever asks it says so
	}
	host := at.Hostname()
	ip := net.ParseIP(host)
	return !strings.Contains(host, ".") && ip == nil || ip != nil && (ip.IsLoopback() || ip.IsPrivate())
}
