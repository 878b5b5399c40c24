"""Makes a Word file plain before Docling reads it: what Word shows, in constructs that Docling understands.

Docling reads paragraphs, runs and tables well, and loses what is wrapped round them, kept beside them, or
computed by Word. Each module here takes one such construct out of the XML; `plain` puts them in order, and
`restore` turns the marks that cannot be said in XML into parts of Docling's document.
"""
