"""Makes the folder a package, so that a fixture can live as long as the tests of the folder do."""
