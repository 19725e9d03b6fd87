"""The command behind `make agreement`: how far the successor in the shadow agrees with the analyzer."""
