"""Documents from a GitLab project, by its API."""
