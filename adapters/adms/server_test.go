package adms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notebook is the inside of these tests: a register of one terminal, and punches on
// a list. A row makes a punch if its PIN begins with 1.
type notebook struct {
	mu       sync.Mutex
	terminal Terminal
	seen     map[string]bool
	batches  int
	failing  error
	gate     chan struct{} // where set, a batch waits for it
	atWork   int
	most     int // batches that were at work at a time
}

func newNotebook() *notebook {
	return &notebook{terminal: Terminal{Serial: "DEV1", Station: "gate-1", Zone: time.FixedZone("", 8*3600)}, seen: map[string]bool{}}
}

func (n *notebook) Find(_ context.Context, serial string) (Terminal, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case serial == "BROKEN":
		return Terminal{}, errors.New("the register is away")
	case serial != n.terminal.Serial && serial != "DEV2":
		return Terminal{}, ErrUnknown
	}
	t := n.terminal
	t.Serial = serial
	return t, nil
}

func (n *notebook) Take(_ context.Context, _ Terminal, batch []byte) (Verdict, error) {
	n.mu.Lock()
	n.atWork++
	n.most = max(n.most, n.atWork)
	gate := n.gate
	n.mu.Unlock()
	if gate != nil {
		<-gate
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.atWork--
	if n.failing != nil {
		return Verdict{}, n.failing
	}
	n.batches++
	v := Verdict{Held: map[string]int{}, Suspect: map[string]int{}}
	for row := range strings.Lines(string(batch)) {
		row = strings.TrimSpace(row)
		v.Rows++
		switch {
		case strings.HasPrefix(row, "FP "):
			v.Templates++
		case !strings.HasPrefix(row, "1"):
			v.Held["unknown_pin"]++
		case n.seen[row]:
			v.Already++
		default:
			n.seen[row] = true
			v.Recorded++
			if strings.Contains(row, "back") {
				v.Suspect["clock_set_back"]++
			}
		}
	}
	return v, nil
}

// rig is a server under test and all that it tells.
type rig struct {
	t       *testing.T
	book    *notebook
	server  *Server
	url     string
	log     *bytes.Buffer
	metrics *prometheus.Registry
	now     time.Time
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, book: newNotebook(), log: &bytes.Buffer{}, metrics: prometheus.NewRegistry(), now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(zapcore.AddSync(r.log)), zap.DebugLevel)
	cfg := Config{Clock: func() time.Time { return r.now }, Log: zap.New(core), Register: r.book, Punches: r.book, Metrics: r.metrics}
	if change != nil {
		change(&cfg)
	}
	var err error
	if r.server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + listener.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return r
}

// ask sends one request as a terminal does.
func (r *rig) ask(method, path, body string) (int, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// dial opens a connection of a client that is no HTTP client.
func (r *rig) dial(text string) net.Conn {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		r.t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second)) // so that a failure is one
	return conn
}

const (
	attlog  = "/iclock/cdata?SN=DEV1&table=ATTLOG&Stamp=9999"
	goodRow = "17\t2026-03-02 08:00:00\t0\t1\t0\n"
	badRow  = "99\t2026-03-02 08:00:00\t0\t1\t0\n"
)

func TestAnswers(t *testing.T) {
	for rule, c := range map[string]struct {
		method, path, body string
		prepare            func(*rig)
		status             int
		text               string // the whole answer, where it is an acknowledgement
		batches            int    // taken by the inside
	}{
		"punches are acknowledged by their number":          {method: "POST", path: attlog, body: goodRow + "18\t2026-03-02 08:00:01\t0\t1\t0\n", status: 200, text: "OK: 2", batches: 1},
		"an empty batch is acknowledged":                    {method: "POST", path: attlog, status: 200, text: "OK: 0", batches: 1},
		"some firmwares ask for a page of ASP":              {method: "POST", path: strings.Replace(attlog, "cdata", "cdata.aspx", 1), body: goodRow, status: 200, text: "OK: 1", batches: 1},
		"some send the rows in a form":                      {method: "POST", path: attlog, body: "data=17%092026-03-02+08%3A00%3A00%090%091%0A18%092026-03-02+08%3A00%3A00%090%091%0A", status: 200, text: "OK: 2", batches: 1},
		"rows that make no punch are kept by the terminal":  {method: "POST", path: attlog, body: goodRow + badRow, status: 503, batches: 1},
		"unless they were let go":                           {method: "POST", path: attlog, body: goodRow + badRow, prepare: waived, status: 200, text: "OK: 2", batches: 1},
		"a waiver ends":                                     {method: "POST", path: attlog, body: badRow, prepare: func(r *rig) { waived(r); r.now = r.now.Add(time.Hour) }, status: 503, batches: 1},
		"templates among punches are dropped":               {method: "POST", path: attlog, body: goodRow + "FP PIN=17\tTMP=AAAA\n", status: 200, text: "OK: 2", batches: 1},
		"what was not recorded is not acknowledged":         {method: "POST", path: attlog, body: goodRow, prepare: func(r *rig) { r.book.failing = errors.New("away") }, status: 503},
		"a batch beyond every measure is refused":           {method: "POST", path: attlog, body: strings.Repeat(goodRow, 1+(4<<20)/len(goodRow)), status: 413},
		"a terminal that is not registered is refused":      {method: "POST", path: strings.Replace(attlog, "DEV1", "DEV9", 1), body: goodRow, status: 403},
		"from its first request on":                         {method: "GET", path: "/iclock/cdata?SN=DEV9&options=all", status: 403},
		"when the register is away it comes again":          {method: "POST", path: strings.Replace(attlog, "DEV1", "BROKEN", 1), body: goodRow, status: 503},
		"without a serial number":                           {method: "POST", path: "/iclock/cdata?table=ATTLOG", body: goodRow, status: 400},
		"with one that is none":                             {method: "GET", path: "/iclock/getrequest?SN=BAD%20SN", status: 400},
		"there are no commands":                             {method: "GET", path: "/iclock/getrequest?SN=DEV1&INFO=Ver%202.0.12,3,0", status: 200, text: "OK"},
		"somebody is there":                                 {method: "GET", path: "/iclock/ping?SN=DEV1", status: 200, text: "OK"},
		"results of commands are acknowledged":              {method: "POST", path: "/iclock/devicecmd?SN=DEV1", body: "ID=1&Return=0&CMD=INFO\n", status: 200, text: "OK"},
		"what a terminal says of itself is acknowledged":    {method: "POST", path: "/iclock/registry?SN=DEV1", body: "DeviceType=att,~DeviceName=SpeedFace", status: 200, text: "OK"},
		"options of a terminal are acknowledged":            {method: "POST", path: "/iclock/cdata?SN=DEV1&table=options", body: "FingerFunOn=1,FaceFunOn=1", status: 200, text: "OK"},
		"its log, users and templates by their number":      {method: "POST", path: "/iclock/cdata?SN=DEV1&table=OPERLOG&Stamp=1", body: "OPLOG 4\t0\t2026-03-02 08:00:00\t0\t0\t0\t0\nUSER PIN=17\tName=Wren\nFP PIN=17\tTMP=AAAA\n", status: 200, text: "OK: 3"},
		"a photo is acknowledged":                           {method: "POST", path: "/iclock/cdata?SN=DEV1&table=ATTPHOTO", body: "PIN=1.jpg\nSN=DEV1\nsize=4\nCMD=uploadphoto\x00\xff\xd8\xff\xe0", status: 200, text: "OK"},
		"a handshake that asks for nothing is acknowledged": {method: "GET", path: "/iclock/cdata?SN=DEV1", status: 200, text: "OK"},
		"there is nothing elsewhere":                        {method: "GET", path: "/v1/people?SN=DEV1", status: 404},
		"nor behind another method":                         {method: "DELETE", path: attlog, status: 404},
	} {
		t.Run(rule, func(t *testing.T) {
			r := newRig(t, nil)
			if c.prepare != nil {
				c.prepare(r)
			}
			status, text := r.ask(c.method, c.path, c.body)
			if status != c.status || c.text != "" && text != c.text || r.book.batches != c.batches {
				t.Errorf("%d %q, %d batches", status, text, r.book.batches)
			}
			if status != http.StatusOK && strings.Contains(strings.ToUpper(text), "OK") {
				t.Errorf("%q may pass for an acknowledgement", text)
			}
		})
	}
}

func waived(r *rig) { r.book.terminal.WaivedUntil = r.now.Add(time.Hour) }

func TestTheFirstAnswerSaysHowToPush(t *testing.T) {
	r := newRig(t, nil)
	const hello = "/iclock/cdata?SN=DEV1&options=all&pushver=2.4.1"
	_, first := r.ask("GET", hello, "")
	for _, line := range []string{"GET OPTION FROM: DEV1", "ATTLOGStamp=0", "OPERLOGStamp=9999", "TransFlag=TransData AttLog", "TimeZone=8", "Realtime=1", "Encrypt=None"} {
		if !strings.Contains("\n"+first, "\n"+line+"\n") {
			t.Errorf("not told %s:\n%s", line, first)
		}
	}
	if _, old := r.ask("GET", "/iclock/cdata?SN=DEV1&options=all", ""); !strings.Contains(old, "\nTransFlag=1000000000\n") {
		t.Errorf("an old firmware is told:\n%s", old)
	}
	r.ask("POST", attlog, badRow)
	if _, again := r.ask("GET", hello, ""); again != first {
		t.Errorf("what was not acknowledged is not asked for again:\n%s", again)
	}
	r.ask("POST", attlog, goodRow)
	if _, later := r.ask("GET", hello, ""); later != strings.Replace(first, "ATTLOGStamp=0", "ATTLOGStamp=None", 1) {
		t.Errorf("a terminal that was heard is told:\n%s", later)
	}
}

func TestTimeZones(t *testing.T) {
	for name, want := range map[string]string{"Asia/Manila": "8", "Asia/Kolkata": "330", "America/St_Johns": "-210", "America/New_York": "-5", "UTC": "0", "Asia/Kathmandu": "345"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := timeZone(time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC).In(zone)); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// A batch whose end was lost on the way is no batch.
func TestOfABodyThatEndsEarlyNothingIsTaken(t *testing.T) {
	r := newRig(t, nil)
	conn := r.dial(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", attlog, 2*len(goodRow), goodRow))
	_ = conn.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(conn)
	if strings.Contains(string(answer), "200 OK") || r.book.batches != 0 {
		t.Errorf("%d batches, %q", r.book.batches, answer)
	}
}

// Neither the log nor a metric says who punched, or what a stranger called itself.
func TestNothingPersonalIsTold(t *testing.T) {
	r := newRig(t, nil)
	const pin, name, stranger = "1777333", "Unmistakable", "STRANGER5"
	r.ask("POST", attlog, pin+"\t2026-03-02 08:00:00\tback\t1\t0\n9"+pin+"\t2026-03-02 08:00:00\t0\t1\t0\n")
	r.ask("POST", attlog, pin+"\t2026-03-02 08:00:00\tback\t1\t0\n")
	r.ask("POST", "/iclock/cdata?SN=DEV1&table=OPERLOG", "USER PIN="+pin+"\tName="+name+"\n")
	r.ask("POST", "/iclock/cdata?SN=DEV1&table="+name, pin)
	r.ask("POST", strings.Replace(attlog, "DEV1", stranger, 1), pin)
	r.ask("GET", "/"+name, "")
	told, err := r.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	text := r.log.String() + fmt.Sprint(told)
	for _, canary := range []string{pin, name, stranger, "DEV1"} {
		if strings.Contains(text, canary) {
			t.Errorf("%s is told", canary)
		}
	}
	for _, said := range []string{"unknown_pin", "clock_set_back", "not registered", "nothing more to repeat", "person"} {
		if !strings.Contains(text, said) {
			t.Errorf("%s is not told:\n%s", said, text)
		}
	}
}
