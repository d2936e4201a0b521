"""Files on their way: uploads that go on where they broke off, and downloads that do."""
