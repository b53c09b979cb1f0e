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

// What an answer is set apart from is not the answer, and a number before "is the answer" is.
func TestNumberSetApart(t *testing.T) {
	for _, c := range []struct{ lang, answer, number string }{
		{"en", "He needs 3 more apples, not 5.", "3"},
		{"de", "Er braucht 3 Äpfel, nicht 5.", "3"},
		{"es", "Necesita 3 manzanas, no 5.", "3"},
		{"ru", "Ему нужно 3 яблока, а не 5.", "3"},
		{"zh", "他需要3个苹果，而不是5个。", "3"},
		{"en", "It is not 5.", "5"},
		{"en", "7 apples left out of 15", "7"},
		{"en", "She used 3 out of 4 cups, so 25%", "25"},
		{"en", "18 dollars is the final answer for 9 eggs", "18"},
		{"en", "18 is the answer, 9 eggs", "18"},
		{"en", "9 is not the answer. It is 18", "18"},
		{"en", "9 × 2 is the answer: 18", "18"},
		{"de", "18 Dollar ist die Antwort für 9 Eier", "18"},
		{"pt-BR", "A resposta é R$ 1.234", "1234"},
		{"es-MX", "La respuesta es $1.25", "1.25"},

		{"en", `\boxed{2^3}`, "8"},
		{"en", `\boxed{2^{10}} 9`, "1024"},
		{"en", "\\boxed{2³}", "8"},
		{"en", `\boxed{9^{999}}`, "9"},
		{"en", "18_000", "18000"},
		{"en", "The answer is 1_234_567 of 9.", "1234567"},
		{"zh", "答案是3小时30分钟，即210分钟", "210"},
		{"en", "The answer is 3 hours 30 minutes, i.e. 210 minutes.", "210"},
		{"zh", "答案是18元，即9个蛋", "18"},
		{"zh", "答案是1亿2千3百万", "123000000"},
		{"zh", "答案是5千5百亿", "550000000000"},
		{"zh", "2千3百万", "23000000"},
		{"ja", "答えは1万 5人です", "10000"},
		{"ko", "1만 5천", "15000"},
		{"es", "La respuesta es negativo 5", "-5"},
		{"pt", "A resposta é negativo 5", "-5"},
		{"es", "negativo 5", "-5"},
		{"it", "meno 5", "-5"},
		{"fr", "moins 5", "-5"},
		{"en", "minus 5", "-5"},
		{"en", "10\nminus 5\n= 5", "5"},
	} {
		if got, _ := Number(c.answer, c.lang); got != c.number {
			t.Errorf("%s: %q is read as %q, want %q", c.lang, c.answer, got, c.number)
		}
	}
}
