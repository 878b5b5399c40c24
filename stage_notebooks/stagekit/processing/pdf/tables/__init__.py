"""Tables of PDF and scanned pages: rows and columns by alignment and drawn rules, and parts over pages."""
