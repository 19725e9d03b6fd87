"""The azure-native resource types of the program: id template, name rule, inputs."""
