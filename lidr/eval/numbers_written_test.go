package eval

import "testing"

// Powers of ten that follow one another, magnitudes in further languages, signs in words, and hours and minutes.
func TestNumberWritten(t *testing.T) {
	for _, c := range []struct{ lang, answer, number string }{
		{"zh", "答案是1万2千元。", "12000"},
		{"zh", "答案是1万2000元", "12000"},
		{"zh", "答案是3千5百元", "3500"},
		{"zh", "答案是2千万元", "20000000"},
		{"zh", "答案是3百万", "3000000"},
		{"zh", "答案是1亿2000万", "120000000"},
		{"ja", "答えは1万2千円です", "12000"},
		{"ja", "答えは2万 3 個", "20000"},
		{"ja", "答えは3百万ドル", "3000000"},
		{"ko", "답: 1만 2천 원", "12000"},
		{"ko", "답은 1만 2000원입니다", "12000"},
		{"ko", "답은 2천만 원", "20000000"},
		{"ko", "답: 3천 5백 원", "3500"},
		{"de", "Die Antwort ist 2,5 Mio. Euro", "2500000"},
		{"nl", "Antwoord: 2 miljoen", "2000000"},
		{"pl", "Odpowiedź: 2 mln zł", "2000000"},
		{"pl", "Odpowiedź: 5 tys. zł", "5000"},
		{"ro", "Răspunsul final este 2 milioane de lei", "2000000"},
		{"sv", "Svar: 3 miljoner kronor", "3000000"},
		{"uk", "Відповідь: 5 тисяч гривень", "5000"},
		{"cs", "Odpověď: 2 miliony korun", "2000000"},
		{"hu", "Válasz: 2 millió", "2000000"},
		{"ca", "Resposta: 2 milions", "2000000"},

		{"en", "The answer is negative 5.", "-5"},
		{"en", "The answer is negative: -5", "-5"},
		{"en", "The temperature is minus 5 degrees.", "-5"},
		{"en", "So it is 10 minus 5 = 5 degrees.", "5"},
		{"en", "The answer is minus 5 degrees.", "-5"},
		{"de", "Die Temperatur beträgt minus 5 Grad.", "-5"},
		{"fr", "La température est de moins 5 degrés.", "-5"},

		{"en", "Answer: 3 hours 30 minutes = 210 minutes", "210"},
		{"ko", "답: 3시간 30분 = 210분", "210"},
		{"zh", "答案是3小时30分钟=210分钟", "210"},
		{"ja", "答えは1時間30分=90分です", "90"},
		{"ja", "答えは1日あたり18ドルです", "18"},

		{"ca", "La resposta és 18 (9 ous).", "18"},
		{"tr", "Sonuç: 18 (9 yumurta)", "18"},
		{"yo", "Ìdáhùn: 18 (ẹyin 9)", "18"},
		{"en", "Ans: 18 for 9", "18"},
	} {
		if got, _ := Number(c.answer, c.lang); got != c.number {
			t.Errorf("%s: %q is read as %q, want %q", c.lang, c.answer, got, c.number)
		}
	}
}
