"""The bridge to TF-Agents: its agents on our engines and replay, and ours where its drivers expect their own."""
