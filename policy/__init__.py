"""Policy pack: rules for every stack of this program, checked by Pulumi before and after a deployment."""
