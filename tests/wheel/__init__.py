"""What a wheel is worth to somebody who has nothing else: ``make wheel-test``."""
