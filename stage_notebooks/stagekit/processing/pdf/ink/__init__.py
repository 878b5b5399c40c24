"""What of a PDF leaves ink: the file is made to say that, and no more, before its text is read."""
