"""What is known of single words of a PDF page: raised letters, strokes through them, signs for boxes."""
