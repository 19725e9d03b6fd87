"""What the pipelines of GitHub Actions and Azure DevOps run; with the standard library alone."""
