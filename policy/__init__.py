"""What every stack of this program must hold, checked by Pulumi before anything is deployed, and after."""
