"""The conformance suite: what every method must keep to, checked on one method in under a minute."""
