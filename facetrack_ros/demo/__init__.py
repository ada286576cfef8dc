"""The demo: ``DemoScenario`` runs staged clips through robots in processes, searches, and compares the results."""
