"""Records to checked kernels: what each family of estimators has fitted, and how it predicts."""
