"""Pure decisions of progress: gates, records, companions, passports and the JP ledger."""
