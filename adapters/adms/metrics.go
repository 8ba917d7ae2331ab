package adms

import "github.com/prometheus/client_golang/prometheus"

// answer is how a request ended. It is a label of metrics, so the set is closed.
type answer string

const (
	answerOK          answer = "ok"
	answerHeld        answer = "held"      // a batch with rows that make no punch
	answerUnknown     answer = "unknown"   // no such terminal
	answerMalformed   answer = "malformed" // nothing that a terminal sends
	answerTooLarge    answer = "too_large"
	answerTooMany     answer = "too_many"
	answerUnavailable answer = "unavailable"
)

// metrics name no terminal: how many there are is bounded by who registers them and
// not by us.
type metrics struct {
	requests *prometheus.CounterVec
	rows     *prometheus.CounterVec
	suspect  *prometheus.CounterVec
	dropped  *prometheus.CounterVec
}

const metricsPrefix = "tracekeep_terminals_"

func newMetrics(into prometheus.Registerer, holding func() int) (*metrics, error) {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricsPrefix + name, Help: help}, labels)
	}
	m := &metrics{
		requests: vec("requests_total", "Requests of terminals, by what they were about and how they ended.", "about", "answer"),
		rows:     vec("rows_total", "Rows of batches of punches, by what became of them. Held ones count every time they are repeated.", "verdict"),
		suspect:  vec("suspect_rows_total", "Rows that need a look, by reason, of batches that brought something new.", "reason"),
		dropped:  vec("dropped_rows_total", "Rows that are no punches and were not kept, by what they were.", "kind"),
	}
	if into == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.rows, m.suspect, m.dropped, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: metricsPrefix + "holding", Help: "Terminals that repeat rows which make no punch; see tracekeep terminals list.",
	}, func() float64 { return float64(holding()) })} {
		if err := into.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) count(v Verdict, waived bool) {
	m.rows.WithLabelValues("recorded").Add(float64(v.Recorded))
	m.rows.WithLabelValues("already_recorded").Add(float64(v.Already))
	verdict := "held"
	if waived {
		verdict = "waived"
	}
	m.rows.WithLabelValues(verdict).Add(float64(v.held()))
	for reason, n := range v.news() {
		m.suspect.WithLabelValues(reason).Add(float64(n))
	}
	if v.Templates > 0 {
		m.dropped.WithLabelValues(rowTemplate).Add(float64(v.Templates))
	}
}
