"""One process that stays and answers: its model is loaded once, whoever asks.

``answers`` answers; ``local`` lets this machine's user ask through a Unix socket, ``mcp`` LLM applications
(Model Context Protocol), and ``web`` whoever speaks HTTP.
"""
