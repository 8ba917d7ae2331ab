//go:build !race

package eventnode

const raceDetector = false
