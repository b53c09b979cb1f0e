// Package browser holds the tests of lidr's pages in a real browser, Debian's chromium. It is a module of its own, so
// that nothing of it is in the product's requirements. Run it by make test-browser.
package browser
