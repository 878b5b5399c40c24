"""The structure of a norm: articles, paragraphs, incisos and what else a citation can name.

Brazilian norms above all (LC 95/1998, Manual de Redação da Presidência da República); the articles of Spanish
and English ones too. Names of levels are those of LexML.
"""
