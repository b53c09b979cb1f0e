package tracking

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// mlflow speaks MLflow's REST interface, version 2.0: https://mlflow.org/docs/latest/api_reference/rest-api.html.
type mlflow struct {
	address    string
	client     http.Client
	experiment string
	runs       map[string]*mlflowRun // by folder and curve
}

// mlflowRun is one curve on the server.
type mlflowRun struct {
	id    string
	last  int  // step that the server has, -1 for none
	asked bool // last is the server's
	ended bool
}

const (
	mlflowExperiment = "lidr"
	mlflowPatience   = 30 * time.Second // for one request
	mlflowBatch      = 1000             // metrics of one request, the interface's limit
	mostAnswer       = 32 << 20         // bytes of an answer
)

func newMLflow(address string) *mlflow {
	return &mlflow{address: address, client: http.Client{Timeout: mlflowPatience}, runs: map[string]*mlflowRun{}}
}

// name has the address without its password: it stands in notes and logs.
func (m *mlflow) name() string {
	address, err := url.Parse(m.address)
	if err != nil { // which Validate refuses
		return mlflowName
	}
	return mlflowName + " at " + address.Redacted()
}

func (m *mlflow) send(dir, curve string, points []point, ended bool) error {
	run, err := m.run(dir, curve, points)
	if err != nil {
		return err
	}
	if !run.asked && len(points) > 0 {
		last, err := m.lastStep(run.id, points)
		if err != nil {
			return err
		}
		run.last, run.asked = last, true
	}
	type metric struct {
		Key       string  `json:"key"`
		Value     float64 `json:"value"`
		Timestamp int64   `json:"timestamp"` // ms
		Step      int     `json:"step"`
	}
	for len(points) > 0 {
		var batch []metric
		upTo := run.last
		for len(points) > 0 && len(batch)+len(points[0].values) <= max(mlflowBatch, len(points[0].values)) {
			p := points[0]
			points = points[1:]
			if p.step <= run.last {
				continue
			}
			for _, v := range p.values {
				batch = append(batch, metric{v.name, v.x, p.time.UnixMilli(), p.step})
			}
			upTo = p.step
			if len(batch) >= mlflowBatch {
				break
			}
		}
		for len(batch) > 0 {
			n := min(len(batch), mlflowBatch)
			if err := m.call("POST", "runs/log-batch", map[string]any{"run_id": run.id, "metrics": batch[:n]}, nil); err != nil {
				return err
			}
			batch = batch[n:]
		}
		run.last = upTo
	}
	if ended && !run.ended {
		err = m.call("POST", "runs/update", map[string]any{"run_id": run.id, "status": "FINISHED",
			"end_time": time.Now().UnixMilli()}, nil)
		run.ended = err == nil
	}
	return err
}

// Tags by which a run is found again.
const (
	folderTag = "lidr.folder"
	curveTag  = "lidr.curve"
	parentTag = "mlflow.parentRunId"
)

// run returns the server's run of a curve, and makes it where there is none: that of the evaluations stands for the
// folder, and the models' lie below it.
func (m *mlflow) run(dir, curve string, points []point) (*mlflowRun, error) {
	folder, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	key := folder + "\n" + curve
	if known := m.runs[key]; known != nil {
		return known, nil
	}
	if err := m.open(); err != nil {
		return nil, err
	}
	folder = unquoted.Replace(folder)
	name, tags := dir, []map[string]string{{"key": folderTag, "value": folder}, {"key": curveTag, "value": curve}}
	if curve != evaluations {
		parent, err := m.run(dir, evaluations, nil)
		if err != nil {
			return nil, err
		}
		name, tags = curve, append(tags, map[string]string{"key": parentTag, "value": parent.id})
	}
	type info struct {
		ID string `json:"run_id"`
	}
	var found struct {
		Runs []struct {
			Info info `json:"info"`
		} `json:"runs"`
	}
	err = m.call("POST", "runs/search", map[string]any{
		"experiment_ids": []string{m.experiment}, "max_results": 1,
		"filter": fmt.Sprintf("tags.`%s` = '%s' and tags.`%s` = '%s'", folderTag, folder, curveTag, curve),
	}, &found)
	if err != nil {
		return nil, err
	}
	run := &mlflowRun{last: -1}
	if len(found.Runs) > 0 {
		run.id = found.Runs[0].Info.ID
		m.runs[key] = run
		return run, nil
	}
	start := time.Now()
	if len(points) > 0 {
		start = points[0].time
	}
	var made struct {
		Run struct {
			Info info `json:"info"`
		} `json:"run"`
	}
	err = m.call("POST", "runs/create", map[string]any{
		"experiment_id": m.experiment, "run_name": name, "start_time": start.UnixMilli(), "tags": tags,
	}, &made)
	if err != nil {
		return nil, err
	}
	run.id, run.asked = made.Run.Info.ID, true
	m.runs[key] = run
	return run, nil
}

// unquoted makes a text that can stand between a filter's quotes, which have no escapes: one quote would end it.
var unquoted = strings.NewReplacer("%", "%25", "'", "%27")

// open finds or makes the experiment.
func (m *mlflow) open() error {
	if m.experiment != "" {
		return nil
	}
	var found struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		} `json:"experiment"`
	}
	query := url.Values{"experiment_name": {mlflowExperiment}}
	err := m.call("GET", "experiments/get-by-name?"+query.Encode(), nil, &found)
	if notThere, ok := err.(*answerError); ok && notThere.Code == "RESOURCE_DOES_NOT_EXIST" {
		var made struct {
			ID string `json:"experiment_id"`
		}
		err = m.call("POST", "experiments/create", map[string]any{"name": mlflowExperiment}, &made)
		found.Experiment.ID = made.ID
	}
	m.experiment = found.Experiment.ID
	return err
}

// lastStep asks the server how far a curve is that has been sent before, by the first number of each of its points.
func (m *mlflow) lastStep(run string, points []point) (int, error) {
	last := -1
	if len(points) == 0 {
		return last, nil
	}
	for token := ""; ; {
		var history struct {
			Metrics []struct {
				Step json.Number `json:"step"`
			} `json:"metrics"`
			Next string `json:"next_page_token"`
		}
		query := url.Values{"run_id": {run}, "metric_key": {points[0].values[0].name}, "max_results": {"1000"}}
		if token != "" {
			query.Set("page_token", token)
		}
		if err := m.call("GET", "metrics/get-history?"+query.Encode(), nil, &history); err != nil {
			return last, err
		}
		for _, one := range history.Metrics {
			if step, err := strconv.Atoi(cmp.Or(one.Step.String(), "0")); err == nil && step < math.MaxInt32 {
				last = max(last, step)
			}
		}
		if token = history.Next; token == "" || len(history.Metrics) == 0 {
			return last, nil
		}
	}
}

// answerError is an answer that says what is wrong.
type answerError struct {
	Status  string `json:"-"`
	Code    string `json:"error_code"`
	Message string `json:"message"`
}

func (e *answerError) Error() string {
	return fmt.Sprintf("%s: %s %.300s", e.Status, e.Code, e.Message)
}

// call asks the server, and decodes its answer into out, which may be nil.
func (m *mlflow) call(method, path string, body, out any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequest(method, m.address+"/api/2.0/mlflow/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if token := os.Getenv("MLFLOW_TRACKING_TOKEN"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	} else if user := os.Getenv("MLFLOW_TRACKING_USERNAME"); user != "" {
		request.SetBasicAuth(user, os.Getenv("MLFLOW_TRACKING_PASSWORD"))
	}
	answer, err := m.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		wrong := &answerError{Status: answer.Status}
		if json.Unmarshal(data, wrong) != nil {
			wrong.Message = string(data)
		}
		return wrong
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}
