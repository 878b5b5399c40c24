"""How this machine reaches others: certificate authorities, proxies, and how long it waits for them."""
