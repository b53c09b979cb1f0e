package show

import (
	"fmt"
	"html"
	"net/url"
	"path/filepath"

	"lidrlab/lidr/printable"
)

// Link is the path of a file that a notebook shows as a link to it, relative to the notebook.
type Link string

// link opens in a tab of its own: a click would take the reader away from the notebook, and from a cell at work.
func link(path Link) string {
	address := url.URL{Path: filepath.ToSlash(string(path))}
	return fmt.Sprintf(`<a href="%s" target="_blank" rel="noopener">%s</a>`, html.EscapeString(address.String()),
		html.EscapeString(printable.Line(string(path))))
}
