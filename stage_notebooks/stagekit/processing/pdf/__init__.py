"""PDF: its pages, their structure, tables and text."""
