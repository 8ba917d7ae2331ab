package importer

import (
	"bytes"
	"fmt"
	"math/bits"
)

// crcs is a set of ways to make a CRC-16. Portaria 671 fixes one for programs
// (KERMIT) and none for the clocks that existed before it, so a file may use any of
// those in use, but the same for all its records. Clocks of Henry and Dixi sum as MODBUS
// does.
type crcs uint16

const (
	crcKermit crcs = 1 << iota
	crcARC
	crcXModem
	crcCCITT
	crcModbus
	crcX25
	crcMCRF4XX
	crcSwapped // KERMIT, the lower byte first
	allCRCs    = crcKermit | crcARC | crcXModem | crcCCITT | crcModbus | crcX25 | crcMCRF4XX | crcSwapped
)

// fit tells whether the four hexadecimal digits at the end are the sum of what stands
// before, by a way that fitted all records so far.
func (c *crcs) fit(text []byte, at int) bool {
	if at == 0 {
		return true
	}
	var fitting crcs
	said := bytes.ToUpper(text[at : at+4])
	for way := crcs(1); way < allCRCs; way <<= 1 {
		if *c&way != 0 && fmt.Sprintf("%04X", way.sum(text[:at])) == string(said) {
			fitting |= way
		}
	}
	if fitting == 0 {
		return false
	}
	*c = fitting
	return true
}

func (c crcs) sum(b []byte) uint16 {
	var sum uint16
	switch c {
	case crcKermit:
		return reflected(0, b, 0x8408)
	case crcARC:
		return reflected(0, b, 0xA001)
	case crcModbus:
		return reflected(0xFFFF, b, 0xA001)
	case crcX25:
		return ^reflected(0xFFFF, b, 0x8408)
	case crcMCRF4XX:
		return reflected(0xFFFF, b, 0x8408)
	case crcSwapped:
		return bits.ReverseBytes16(reflected(0, b, 0x8408))
	case crcCCITT:
		sum = 0xFFFF
	}
	for _, x := range b {
		sum ^= uint16(x) << 8
		for range 8 {
			carry := sum&0x8000 != 0
			if sum <<= 1; carry {
				sum ^= 0x1021
			}
		}
	}
	return sum
}

func reflected(sum uint16, b []byte, polynomial uint16) uint16 {
	for _, x := range b {
		sum ^= uint16(x)
		for range 8 {
			carry := sum&1 != 0
			if sum >>= 1; carry {
				sum ^= polynomial
			}
		}
	}
	return sum
}
