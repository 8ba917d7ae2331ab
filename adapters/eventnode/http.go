package eventnode

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrapeTime is how long an answer with metrics may take, its reader included.
const scrapeTime = 10 * time.Second

// newHTTP serves what is asked over HTTP/1: health, what the node is, metrics.
// Whoever is slow to ask is dropped; handlers bound how long they answer.
func (n *Node) newHTTP() *http.Server {
	mux := http.NewServeMux()
	n.health(mux)
	mux.Handle("GET /metrics", scrape(n.cfg.Metrics))
	mux.Handle("/admin/", n.admin.handler())
	return &http.Server{
		Handler: n.gate.http(mux), ReadHeaderTimeout: n.cfg.silentTime, ReadTimeout: 3 * n.cfg.silentTime, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

// health answers probes: 204 while the node serves, 503 when it does not.
func (n *Node) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /health/live", func(w http.ResponseWriter, _ *http.Request) {
		if !n.ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentJSON)
		_, _ = w.Write([]byte(`{"esVersion":"` + serverVersion + `","state":"leader",` +
			`"features":{"projections":false,"userManagement":false,"atomPub":false},` +
			`"authentication":{"type":"` + n.gate.kind() + `","properties":{}}}`))
	})
}

// scrape serves metrics in the text format of Prometheus.
func scrape(from prometheus.Gatherer) http.Handler {
	answer := promhttp.HandlerFor(from, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(scrapeTime)) //nolint:forbidigo // deadlines of connections are on the machine's clock; without one the answer is only less bounded
		answer.ServeHTTP(w, r)
	})
}
