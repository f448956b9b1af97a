"""Values of the domain as messages of the contract, and back. No decisions are made here."""
