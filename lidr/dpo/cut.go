package dpo

// Cut returns a pair whose sides have at most longest tokens, the prompt included, as a program cuts them. "trl" keeps
// the beginning of each side, and the whole prompt; a prompt that leaves no room, which TRL drops, is left as it is.
// "llama-factory" first decides how much of the prompt and of the longer side stays: where either takes less than half
// of the room, only the other is cut, and else both in proportion (infer_seqlen in data/processor/processor_utils.py).
// It keeps the beginning of both. A nil Rejected stays nil.
func Cut(p Pair, longest int, program string) Pair {
	prompt, side := len(p.Prompt), max(len(p.Chosen), len(p.Rejected))
	if prompt+side <= longest || program == "trl" && prompt >= longest {
		return p
	}
	room := longest - prompt
	if program == "llama-factory" {
		switch {
		case 2*side < longest:
			room = longest
		case 2*prompt < longest:
		default:
			room = int(float64(longest) * (float64(side) / float64(prompt+side)))
		}
	}
	room = min(room, side)
	p.Prompt = p.Prompt[:min(prompt, longest-room)]
	p.Chosen, p.Rejected = p.Chosen[:min(len(p.Chosen), room)], p.Rejected[:min(len(p.Rejected), room)]
	return p
}
