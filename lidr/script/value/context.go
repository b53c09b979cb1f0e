package value

import "time"

// Context is a context that the script implements. Package context writes its name.
type Context struct {
	IValue    any
	WDeadline func() (time.Time, bool)
	WDone     func() <-chan struct{}
	WErr      func() error
	WValue    func(any) any
}

func (c Context) Deadline() (time.Time, bool) { return c.WDeadline() }
func (c Context) Done() <-chan struct{}       { return c.WDone() }
func (c Context) Err() error                  { return c.WErr() }
func (c Context) Value(key any) any           { return c.WValue(key) }
func (c Context) String() string              { return c.IValue.(Box).String() }
