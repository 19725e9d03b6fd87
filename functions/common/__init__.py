"""What the deployment packages of both apps include: the record of an image, and clients of Azure's services."""
