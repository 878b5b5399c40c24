"""What kernels need of libraries beyond their public interfaces: a module a library."""
