"""Programs that build, run and push images. Other programs are run here and nowhere else."""
