"""What the stages leave: the content-addressed store, the memo, tables and manifests."""
