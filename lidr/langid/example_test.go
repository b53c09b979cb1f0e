package langid_test

import (
	"fmt"

	"lidrlab/lidr/langid"
)

func Example() {
	id := langid.Default()
	fmt.Println(id.Name())
	for _, text := range []string{"Die Antwort ist 17.", "Jibu ni 17, kwa sababu ana matofaa 12.", "17"} {
		lang, confidence := id.Identify(text)
		fmt.Printf("%q %v\n", lang, confidence > 0.9)
	}
	// Output:
	// lidr-lid176/1
	// "de" true
	// "sw" true
	// "" false
}
