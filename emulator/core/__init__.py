"""What the services share: resources, identities, role checks, certificates, processes, virtual networks."""
