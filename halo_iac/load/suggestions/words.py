"""Translates days, frequencies and times from other languages to the English words that ``cadence`` reads.

A text is read in one language at a time: ``Di`` is Tuesday beside ``Mo``, and may be a Sunday in French. If two
languages disagree, nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from operator import ne
from typing import Final, NamedTuple

DAY_NAMES: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

_DAYS: Final = {
    "de": "sonntag montag dienstag mittwoch donnerstag freitag samstag/sonnabend",
    "fr": "dimanche lundi mardi mercredi jeudi vendredi samedi",
    "es": "domingo lunes martes miércoles jueves viernes sábado",
    "pt": "domingo segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado",
    "it": "domenica lunedì martedì mercoledì giovedì venerdì sabato",
    "nl": "zondag maandag dinsdag woensdag donderdag vrijdag zaterdag",
    "pl": "niedziela/ndz/nd poniedziałek/pn wtorek/wt środa/śr czwartek/cz piątek/pt sobota",
    "sv": "söndag måndag tisdag onsdag torsdag fredag lördag",
    "da": "søndag mandag tirsdag onsdag torsdag fredag lørdag",
    "fi": "sunnuntai maanantai tiistai keskiviikko torstai perjantai lauantai",
    "cs": "neděle pondělí úterý středa čtvrtek pátek sobota",
    "hu": "vasárnap hétfő kedd szerda csütörtök péntek szombat",
    "ro": "duminică luni marți miercuri joi vineri sâmbătă",
    "tr": "pazar pazartesi/pzt salı çarşamba perşembe cuma cumartesi/cmt",
    "el": "κυριακή δευτέρα τρίτη τετάρτη πέμπτη παρασκευή σάββατο",
    "ru": "воскресенье/вс понедельник/пн вторник/вт среда/ср четверг/чт пятница/пт суббота/сб",
    "uk": "неділя/нд понеділок/пн вівторок/вт середа/ср четвер/чт п'ятниця/пт субота/сб",
}
"""Sunday to Saturday; an abbreviation that is not a prefix of the name follows a slash."""

_WORDS: Final = {
    "de": "hourly=stündlich,stuendlich daily=täglich,taeglich,tagtäglich weekly=wöchentlich,woechentlich "
    "monthly=monatlich weekdays=werktags,werktäglich,wochentags,arbeitstags weekend=wochenende,wochenenden "
    "every=jede,jeden,jedes,jeder,alle minutes=minute,minuten hours=stunde,stunden,std,uhr days=tag,tage,tagen "
    "weeks=woche,wochen months=monat,monate at=um,ab and=und to=bis first=erster,ersten last=letzter,letzten "
    "of=im,des two=zwei other=zweiten,zweite",
    "fr": "hourly=horaire daily=quotidien,quotidienne,quotidiennement,journalier,journalière "
    "weekly=hebdomadaire,hebdo monthly=mensuel,mensuelle,mensuellement every=chaque,tous_les,toutes_les "
    "weekend=fin_de_semaine hours=heure,heures days=jour,jours weeks=semaine,semaines months=mois at=à and=et "
    "to=au on=le,les,du first=premier last=dernier two=deux noon=midi midnight=minuit",
    "es": "hourly=por_hora daily=diario,diaria,diariamente weekly=semanal,semanalmente monthly=mensual,mensualmente "
    "every=cada,todos_los,todas_las minutes=minuto,minutos hours=hora,horas days=día,días weeks=semana,semanas "
    "months=mes,meses at=a_las,a_la and=y,e to=a on=el,los first=primer last=último of=del two=dos "
    "weekend=fin_de_semana,fines_de_semana "
    "weekdays=entre_semana,laborables noon=mediodía midnight=medianoche",
    "pt": "hourly=de_hora_em_hora daily=diário,diária,diariamente weekly=semanal,semanalmente "
    "monthly=mensal,mensalmente every=cada,a_cada,todo,toda,todos_os,todas_as,todo_o,toda_a minutes=minuto,minutos "
    "hours=hora,horas days=dia,dias weeks=semana,semanas months=mês,meses at=às,as and=e to=a,à "
    "weekend=fim_de_semana,fins_de_semana weekdays=dias_úteis two=dois,duas noon=meio-dia midnight=meia-noite",
    "it": "hourly=orario daily=giornaliero,giornaliera,quotidiano,quotidiana,giornalmente,quotidianamente "
    "weekly=settimanale,settimanalmente monthly=mensile,mensilmente every=ogni,tutti_i,tutte_le minutes=minuto,minuti "
    "hours=ora,ore days=giorno,giorni weeks=settimana,settimane months=mese,mesi at=alle,all and=e to=a,al "
    "first=primo last=ultimo of=del two=due weekdays=feriali noon=mezzogiorno midnight=mezzanotte",
    "nl": "hourly=uurlijks,ieder_uur daily=dagelijks weekly=wekelijks monthly=maandelijks every=elke,elk,iedere,ieder "
    "minutes=minuut,minuten hours=uur,uren days=dag,dagen weeks=week,weken months=maand,maanden at=om and=en "
    "to=tot,t/m weekdays=werkdagen,doordeweeks",
    "pl": "hourly=cogodzinny,cogodzinnie daily=codziennie,codzienny,codzienna,dziennie "
    "weekly=cotygodniowy,cotygodniowo,tygodniowo monthly=comiesięczny,comiesięcznie,miesięcznie every=co,każdy,każda,"
    "każdą,każde,w,we minutes=minuta,minut,minuty hours=godzina,godzinę,godzin,godziny,godz days=dzień,dni "
    "weeks=tydzień,tygodnie months=miesiąc,miesiące at=o and=i to=do",
    "sv": "hourly=timvis daily=dagligen,daglig weekly=veckovis monthly=månadsvis,månatligen every=varje,var "
    "minutes=minut,minuter hours=timme,timmar days=dag,dagar weeks=vecka,veckor months=månad,månader at=kl,klockan "
    "and=och to=till weekdays=vardagar,vardag",
    "da": "hourly=hver_time daily=daglig,dagligt weekly=ugentlig,ugentligt,ukentlig monthly=månedlig,månedligt "
    "every=hver,hvert minutes=minut,minutter hours=time,timer days=dag,dage,dager weeks=uge,uger,uke,uker "
    "months=måned,måneder at=kl,klokken and=og to=til weekdays=hverdage,hverdager,ukedager",
    "fi": "hourly=tunneittain daily=päivittäin,päivittäinen weekly=viikoittain,viikoittainen "
    "monthly=kuukausittain,kuukausittainen every=joka minutes=minuutti,minuuttia hours=tunti,tuntia days=päivä,päivää "
    "weeks=viikko,viikkoa months=kuukausi,kuukautta at=klo,kello and=ja weekdays=arkisin",
    "cs": "hourly=hodinově daily=denně,denní weekly=týdně,týdenní monthly=měsíčně,měsíční every=každý,každá,každé,"
    "každou,každých minutes=minuta,minut,minutu hours=hodina,hodin,hodinu,hodiny days=den,dny,dní weeks=týden,týdny "
    "months=měsíc,měsíce at=v,ve and=a to=až",
    "hu": "hourly=óránként daily=naponta,napi weekly=hetente,heti monthly=havonta,havi every=minden minutes=perc "
    "hours=óra,órakor days=nap weeks=hét months=hónap and=és",
    "ro": "hourly=orar daily=zilnic weekly=săptămânal monthly=lunar every=fiecare,la_fiecare,în_fiecare minutes=minut,"
    "minute hours=oră,ore days=zi,zile weeks=săptămână,săptămâni months=lună,luni at=la,la_ora and=și",
    "tr": "hourly=saatlik daily=günlük weekly=haftalık monthly=aylık every=her minutes=dakika,dakikada hours=saat "
    "days=gün weeks=hafta months=ay at=saat and=ve",
    "el": "hourly=ωριαία,ωριαίος daily=καθημερινά,ημερήσια,ημερήσιο weekly=εβδομαδιαία,εβδομαδιαίο "
    "monthly=μηνιαία,μηνιαίο every=κάθε hours=ώρα,ώρες days=μέρα,ημέρα weeks=εβδομάδα months=μήνα at=στις and=και",
    "ru": "hourly=ежечасно,ежечасный daily=ежедневно,ежедневный weekly=еженедельно,еженедельный "
    "monthly=ежемесячно,ежемесячный every=каждый,каждая,каждую,каждое,каждые,по minutes=минута,минут,минуты,минуту "
    "hours=час,часа,часов days=день,дня,дней weeks=неделя,неделю months=месяц,месяца at=в,во and=и "
    "weekdays=будни,будням",
    "uk": "hourly=щогодини daily=щодня,щоденно weekly=щотижня,щотижнево monthly=щомісяця,щомісячно "
    "every=кожен,кожна,кожну,кожні minutes=хвилина,хвилин hours=година,годину,години,годин days=день,дні "
    "weeks=тиждень months=місяць at=о,об and=і,та",
}
"""English words and their translations; ``_`` is a space."""

_LETTERS: Final = str.maketrans(
    {"ł": "l", "ø": "o", "ı": "i", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "\u2019": "'"}
)
"""Letters that do not decompose into a letter and a mark, and the typographic apostrophe."""

_LETTER_RUN: Final = r"[^\W\d_]+"
_WORD: Final = r"[^\W\d_]+(?:['-][^\W\d_]+)*"


def fold_accents(text: str) -> str:
    """Return a text in lower case without accents, the form in which texts are compared."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).translate(_LETTERS)


class _Language(NamedTuple):
    days: Mapping[str, int]
    words: Mapping[str, str]

    def day(self, word: str) -> int | None:
        """Return the day that a word names: its name, a prefix of it, or a form of it such as ``montags``."""
        if word in self.days:
            return self.days[word]
        name_days = {day for name, day in self.days.items() if len(word) > 1 and _is_form_of(word, name)}
        return name_days.pop() if len(name_days) == 1 else None

    def in_english(self, text: str) -> str:
        """Return a text with this language's words translated; other words stay."""
        for phrase, word in self.words.items():
            if " " in phrase:
                text = re.sub(rf"\b{re.escape(phrase)}\b", word, text)
        return re.sub(_WORD, lambda found: self._word(found[0]), text)

    def _word(self, word: str) -> str:
        whole = self.words.get(word)
        if whole is not None:
            return whole
        day = self.day(word)
        if day is not None:
            return DAY_NAMES[day]
        parts = word.split("-")
        return word if len(parts) == 1 else "-".join(self._word(part) for part in parts)


def _is_form_of(word: str, name: str) -> bool:
    """Return whether a word is a prefix of a day's name, or the name with another ending."""
    stem = name.removesuffix("-feira")[: -1 if len(name) > 4 else None]
    return name.startswith(word) or (word.startswith(stem) and len(word) <= len(name) + 2)


@cache
def _languages() -> tuple[_Language, ...]:
    found = []
    for code, names in _DAYS.items():
        days = {name: day for day, same in enumerate(fold_accents(names).split()) for name in same.split("/")}
        pairs = (pair.split("=") for pair in fold_accents(_WORDS[code]).split())
        words = {other.replace("_", " "): english for english, others in pairs for other in others.split(",")}
        found.append(_Language(days, words))
    return tuple(found)


def read_in_english(text: str, read: Callable[[str], str | None]) -> str | None:
    """Return the result of ``read`` for a text in English; ``None`` if equally good languages disagree."""
    spelt = fold_accents(text)
    readings: dict[int, set[str]] = {}
    for english in (language.in_english(spelt) for language in _languages()):
        if english != spelt:
            known = sum(map(ne, re.findall(_LETTER_RUN, english), re.findall(_LETTER_RUN, spelt)))
            readings.setdefault(known, set()).add(english)
    for _, same in sorted(readings.items(), reverse=True):
        found = {meaning for english in same if (meaning := read(english)) is not None}
        if found:
            return found.pop() if len(found) == 1 else None
    return None
