package datasets_test

import (
	"fmt"

	"lidrlab/datasets"
)

// A model whose turn was prefilled with <translated> goes on inside the tag.
func ExampleExtractTranslation() {
	for _, completion := range []string{"\nJe t'aime.\n</translated>\nThis is informal.", "\nJe t'aime, et je"} {
		text, ok, reason := datasets.ExtractTranslation(completion)
		fmt.Printf("%q %v %q\n", text, ok, reason)
	}
	// Output:
	// "Je t'aime." true ""
	// "" false "no closing </translated>"
}

func ExampleFrame() {
	df := datasets.Frame([]datasets.Prompt{{ID: "p-1", Lang: "en", Text: "How many?", Answer: "007"}})
	fmt.Println(df.Names(), df.Types())
	var prompts []datasets.Prompt
	fmt.Println(datasets.Rows(df.Drop("answer"), &prompts))
	// Output:
	// [id lang prompt answer] [string string string string]
	// datasets: column "answer" is missing, the frame has id, lang, prompt
}
