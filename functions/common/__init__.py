"""What every deployment package includes: the record of an image, and clients of Azure's services."""
