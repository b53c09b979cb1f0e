//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// server is a running server of OpenAI's API and the process group that it is.
type server struct {
	cmd   *exec.Cmd
	url   string
	model string
	log   *os.File
	load  time.Duration // until it answered
}

// startServer starts a server and waits for its first answer of one token.
func startServer(l launch) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: l.command(port), url: "http://127.0.0.1:" + port + "/v1/chat/completions", model: l.model}
	if s.log, err = os.CreateTemp("", "bench-server"); err != nil {
		return nil, err
	}
	os.Remove(s.log.Name())
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			return nil, fmt.Errorf("the server ended with %v: %s", err, s.said())
		case <-time.After(20 * time.Millisecond):
		}
		if _, err := s.ask("Say yes.", 1); err == nil {
			s.load = time.Since(begin)
			return s, nil
		}
		if time.Since(begin) > 10*time.Minute {
			s.close()
			return nil, fmt.Errorf("no answer within ten minutes: %s", s.said())
		}
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

func (s *server) said() string {
	s.log.Seek(0, io.SeekStart)
	text, _ := io.ReadAll(s.log)
	return lastLine(string(text))
}

// signal reaches all processes of the server: SIGSTOP while another side is measured, SIGCONT for its own turn.
func (s *server) signal(sig syscall.Signal) error { return syscall.Kill(-s.cmd.Process.Pid, sig) }

func (s *server) close() {
	s.signal(syscall.SIGCONT)
	s.signal(syscall.SIGTERM)
	for range 100 {
		if s.signal(0) != nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.signal(syscall.SIGKILL)
	s.log.Close()
}

// A server that was stopped may close the connections that it kept.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// usage is what an answer took.
type usage struct {
	In  int `json:"prompt_tokens"`
	Out int `json:"completion_tokens"`
}

// ask sends a chat of one turn and returns what it took.
func (s *server) ask(prompt string, tokens int) (usage, error) {
	body, err := json.Marshal(map[string]any{
		"model": s.model, "temperature": 0, "max_tokens": tokens,
		"messages": []map[string]string{{"role": "user", "content": prompt}},
	})
	if err != nil {
		return usage{}, err
	}
	resp, err := client.Post(s.url, "application/json", bytes.NewReader(body))
	if err != nil {
		return usage{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return usage{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return usage{}, fmt.Errorf("status %d: %s", resp.StatusCode, bytes.TrimSpace(text))
	}
	var answer struct{ Usage usage }
	return answer.Usage, json.Unmarshal(text, &answer)
}

// answers asks all prompts, so many at once, and returns what they took together.
func (s *server) answers(prompts []string, atOnce, tokens int) (total usage, took time.Duration, err error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	queue := make(chan string)
	begin := time.Now()
	for range atOnce {
		wg.Go(func() {
			for prompt := range queue {
				got, failure := s.ask(prompt, tokens)
				mu.Lock()
				total.In, total.Out = total.In+got.In, total.Out+got.Out
				err = errors.Join(err, failure)
				mu.Unlock()
			}
		})
	}
	for _, prompt := range prompts {
		queue <- prompt
	}
	close(queue)
	wg.Wait()
	return total, time.Since(begin), err
}

// memory returns the largest resident sizes of the server's processes, added up, in GB.
func (s *server) memory() (float64, error) {
	folders, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	total := 0.0
	for _, folder := range folders {
		pid, err := strconv.Atoi(folder.Name())
		if err != nil {
			continue
		}
		if group, err := syscall.Getpgid(pid); err != nil || group != s.cmd.Process.Pid {
			continue
		}
		if peak, err := field("/proc/"+folder.Name()+"/status", "VmHWM"); err == nil { // else it has just ended
			total += peak
		}
	}
	return total, nil
}
