package eventnode

func serveUntilKilled(string) int { return 1 }

func writeUntilStopped(string) int { return 1 }
