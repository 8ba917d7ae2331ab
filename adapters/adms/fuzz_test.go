package adms

import (
	"bytes"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func FuzzRead(f *testing.F) {
	for _, address := range []string{
		attlog, "/iclock/cdata?SN=0316144680030&options=all&pushver=2.2.14&language=83&pushcommkey=4a9594af164f2b9779b59e8554b5df26",
		"/iclock/getrequest?SN=0316144680030&INFO=Ver%202.0.12-20150625,0,0,0,192.168.16.27,10,7,15,0,111", "/iclock/cdata?SN=BAD%20SN", "/iclock/cdata.aspx?sn=1", "/?SN=%zz&SN=1;x",
	} {
		f.Add("POST", address)
		f.Add("GET", address)
	}
	f.Fuzz(func(t *testing.T, method, address string) {
		parsed, err := url.Parse(address)
		if err != nil {
			return
		}
		got := read(method, parsed)
		if !slices.Contains([]kind{kindHandshake, kindPunches, kindTable, kindPoll, kindReport, kindOther}, got.kind) {
			t.Errorf("the kind is %q", got.kind)
		}
		if got.serial != "" && !validSerial(got.serial) || len(got.serial) > 32 || strings.ContainsAny(got.serial, " \r\n") {
			t.Errorf("the serial number is %q", got.serial)
		}
		if (got.kind == kindPunches || got.kind == kindTable) != (method == "POST" && (parsed.Path == "/iclock/cdata" || parsed.Path == "/iclock/cdata.aspx")) {
			t.Errorf("%s %s is %s", method, address, got.kind)
		}
	})
}

// However a table arrives, each row counts once, and reading it ends.
func FuzzDrop(f *testing.F) {
	f.Add("OPERLOG", []byte("OPLOG 4\t0\nUSER PIN=1\tName=Wren\nFP PIN=1\tTMP="+strings.Repeat("A", 9000)+"\n\r\n"))
	f.Add("BIODATA", []byte("Pin=1\tNo=0\tTmp=AAAA"))
	f.Add("ATTPHOTO", []byte("PIN=1.jpg\nSN=1\nsize=4\nCMD=uploadphoto\x00\xff\xd8\n\n"))
	f.Fuzz(func(t *testing.T, table string, body []byte) {
		counts, rows, err := drop(table, bytes.NewReader(body))
		slow, same, slowErr := drop(table, iotest.OneByteReader(bytes.NewReader(body)))
		sum := 0
		for kind, n := range counts {
			sum += n
			if slow[kind] != n {
				t.Errorf("%d of %s, or %d", n, kind, slow[kind])
			}
		}
		if err != nil || slowErr != nil || sum != rows || same != rows || rows > len(body)+1 {
			t.Errorf("%d of %d rows, or %d: %v %v", sum, rows, same, err, slowErr)
		}
		if _, _, err := drop(table, iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(body)))); len(body) > 1 && !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("an end that is none: %v", err)
		}
	})
}

// The lines of a form are those of the body in it; nothing else is changed.
func FuzzLines(f *testing.F) {
	f.Add([]byte(goodRow))
	f.Add([]byte("data=17%092026-03-02+08%3A00%3A00%090%091%0A"))
	f.Add([]byte("data=17\t2026-03-02 08:00:00"))
	f.Add([]byte("data=%zz"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if got := lines([]byte("data=" + url.QueryEscape(string(body)))); !bytes.Equal(got, body) {
			t.Errorf("%q became %q", body, got)
		}
		if got := lines(body); !bytes.HasPrefix(body, []byte("data=")) && !bytes.Equal(got, body) {
			t.Errorf("%q became %q", body, got)
		}
	})
}
