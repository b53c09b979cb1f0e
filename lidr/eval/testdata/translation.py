"""Golden values of BLEU and chrF++ by sacreBLEU (written with its commit f615c72) on random synthetic text.

    python3 translation.py [CASES] > translation.json
"""
import json
import random
import sys

from sacrebleu.metrics import BLEU, CHRF

WORDS = ["the", "dog", "man", "Äpfel", "café", "привет", "мир", "дом", "水", "水曜日", "สวัสดี", "é", "e\u0301", "3", "3.5", "1,000",
         "10-12", "a-b", "don't", "(hi)", "\"so\"", "…", "—", ".", ",", "!", "&amp;", "&lt;b&gt;", "&amp;quot;", "<skipped>", "-", "x.", "$5", "%", "«oui»", "🙂"]
GAPS = [" "] * 20 + ["  ", "\t", "\u00a0", "\n", "-\n", "\x1c", "\u2009", "\u200b", ""]


def text(r, n):
    return "".join(r.choice(WORDS) + r.choice(GAPS) for _ in range(n))


def altered(r, reference):
    return " ".join(r.choice(WORDS) if r.random() < 0.3 else w for w in reference.split(" ") if r.random() < 0.9)


def main():
    r, cases = random.Random(3), []
    for k in range(int(sys.argv[1]) if len(sys.argv) > 1 else 40):
        n, nrefs = r.choice([1, 1, 2, 5]), r.choice([1, 1, 2, 3])
        references = [[text(r, r.choice([0, 1, 2, 4, 8, 15])) for _ in range(nrefs)] for _ in range(n)]
        hypotheses = [altered(r, refs[0]) if r.random() < 0.9 else text(r, 3) for refs in references]
        by_set = list(map(list, zip(*references)))
        bleu, chrf, sentence = BLEU(), CHRF(word_order=2), BLEU(effective_order=True)
        cases.append({
            "hypotheses": hypotheses, "references": references,
            "bleu": bleu.corpus_score(hypotheses, by_set).score, "chrf": chrf.corpus_score(hypotheses, by_set).score,
            "sentence_bleu": sentence.sentence_score(hypotheses[0], references[0]).score,
            "sentence_chrf": chrf.sentence_score(hypotheses[0], references[0]).score,
        })
    json.dump(cases, sys.stdout, ensure_ascii=True, separators=(",", ":"))
    print()


main()
