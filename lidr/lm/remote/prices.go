package remote

// Prices returns what the server charges, as [Options] gave it: zero where it is not known.
func (m *Model) Prices() Prices { return m.options.Prices }
