"""The rules that every sentence and claim of a draft must keep: one small function each, over one vocabulary."""
