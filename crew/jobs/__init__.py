"""Durable jobs: submit, run, recover."""
