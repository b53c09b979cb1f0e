package view

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed page
var assets embed.FS

// Options are the settings of a server.
type Options struct {
	Rate  bool   // answers can be rated
	Rater string // who rates, in file names: letters, digits, - and _
	Seed  int64  // draws the order of what is rated, and of the two sides
}

// Server shows run folders.
type Server struct {
	options  Options
	folders  []*folder
	skipped  []string // why folders are not shown
	pages    *template.Template
	token    string // of the forms
	watching chan struct{}
	rating   sync.Mutex // held while a rating is saved
	now      func() time.Time
}

// New returns a server of the run folders in dirs. It locks none of them, and writes nothing but ratings. Folders that
// cannot be read are noted on the pages; where none can, that is an error.
func New(dirs []string, o Options) (*Server, error) {
	if len(dirs) == 0 {
		return nil, errors.New("no run folder is given, expected one such as runs/demo")
	}
	if o.Rate && !raterName.MatchString(o.Rater) {
		return nil, fmt.Errorf("the rater is named %q, expected letters, digits, - and _", o.Rater)
	}
	s := &Server{options: o, watching: make(chan struct{}, maxWatching), token: rand.Text(), now: time.Now}
	var err error
	if s.pages, err = template.New("").Funcs(functions).ParseFS(assets, "page/*.gohtml"); err != nil {
		return nil, err
	}
	for i, name := range nameFolders(dirs) {
		f, err := openFolder(name, dirs[i])
		if err != nil { // it is one folder's; the others are to be seen
			s.skipped = append(s.skipped, err.Error())
			continue
		}
		s.folders = append(s.folders, f)
	}
	if len(s.folders) == 0 {
		return nil, errors.New(strings.Join(s.skipped, "; "))
	}
	return s, nil
}

// Listen returns a listener on address, such as 127.0.0.1:8001, which must be this machine's own: the pages have no
// password.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		l.Close()
		return nil, fmt.Errorf("view: %s can be reached from other machines, and the pages have no password; listen on "+
			"127.0.0.1, and reach it from elsewhere by ssh -L", l.Addr())
	}
	return l, nil
}

// Serve answers requests on l until ctx ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: headerBytes,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    log.New(io.Discard, "", 0), // errors of clients are not the operator's
	}
	stopped := context.AfterFunc(ctx, func() { server.Close() })
	defer stopped()
	if err := server.Serve(l); ctx.Err() == nil {
		return fmt.Errorf("view: %w", err)
	}
	return nil
}

// Handler answers the requests of a browser on this machine, and refuses all others.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /run", s.run)
	mux.HandleFunc("GET /browse", s.browse)
	mux.HandleFunc("GET /leaderboard", s.leaderboard)
	mux.HandleFunc("GET /rate", s.rate)
	mux.HandleFunc("POST /rate", s.rated)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /view.css", asset("page/view.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /view.js", asset("page/view.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.refuse(w, http.StatusNotFound, "there is no such page")
	})
	return s.guarded(mux)
}

func asset(name, kind string) http.HandlerFunc {
	data, err := fs.ReadFile(assets, name)
	if err != nil {
		panic(err) // embedded
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Write(data) // the error of a disconnected client does not matter
	}
}

// folderOf is the run that an address names; without a name it is the only one.
func (s *Server) folderOf(name string) (*folder, error) {
	if name == "" && len(s.folders) == 1 {
		return s.folders[0], nil
	}
	var names []string
	for _, f := range s.folders {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return nil, fmt.Errorf("there is no run %.60q here, expected one of %q", name, names)
}

// events tells a page when the files of a run, or of any where none is named, have changed: server-sent events.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.watching <- struct{}{}:
		defer func() { <-s.watching }()
	default:
		s.refuse(w, http.StatusTooManyRequests, "too many pages are open; load this one again when it is to show changes")
		return
	}
	folders := s.folders
	if name := r.URL.Query().Get("run"); name != "" {
		f, err := s.folderOf(name)
		if err != nil {
			s.refuse(w, http.StatusNotFound, err.Error())
			return
		}
		folders = []*folder{f}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	wire := http.NewResponseController(w)
	before := ""
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		now := state(folders, s.now())
		_ = wire.SetReadDeadline(time.Time{})
		_ = wire.SetWriteDeadline(time.Now().Add(10 * time.Second))
		var err error
		switch {
		case before != "" && now != before:
			_, err = fmt.Fprintf(w, "data: %d\n\n", n)
		case n%15 == 0:
			_, err = fmt.Fprint(w, ": here\n\n") // so that a closed page is noticed
		}
		if before = now; err != nil || wire.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// state is equal as long as nothing of the runs has changed that pages show.
func state(folders []*folder, now time.Time) string {
	all := ""
	for _, f := range folders {
		p, err := f.progress(now)
		all += fmt.Sprintln(f.Name, p.Changed, p.Done, p.Active, p.Making, err)
	}
	return all
}

// functions are what the templates call.
var functions = template.FuncMap{
	"text":  shown,
	"plain": plain,
	"lang":  langTag,
	"named": languageName,
	"add":   func(a, b float64) float64 { return a + b },
	"has":   slices.Contains[[]string],
	"dict": func(t said, words string) any {
		return struct {
			T     said
			Words string
		}{t, words}
	},
	"tablesOf": tablesOf,
	"paged": func(b listBody, label string) any {
		return struct {
			B     listBody
			Label string
		}{b, label}
	},
}

// tablesOf are tables with the query of the page that they are on, of names and values.
func tablesOf(tables []table, query ...string) any {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	return struct {
		Tables []table
		Query  template.URL
	}{tables, template.URL(values.Encode())} // encoded: it holds no character that means anything
}
