"""A labelled set of questions: pairs that ask the same, and hard negatives, which an embedding holds for alike.

`KNOWN` was looked at while the gate's tables were written, `HELD_BACK` was not and is for measuring only: a pair of it
that the gate judges wrongly is a reason to change a rule, never to add its words to a table.
"""

from __future__ import annotations

from typing import NamedTuple


class Pairs(NamedTuple):
    """Pairs that ask the same, and pairs that do not."""

    same: tuple[tuple[str, str], ...]
    different: tuple[tuple[str, str], ...]


def _read(text: str) -> tuple[tuple[str, str], ...]:
    lines = [line.strip() for line in text.strip().splitlines()]
    return tuple((one.strip(), other.strip()) for one, other in (line.split("|") for line in lines))


KNOWN = Pairs(
    same=_read("""
        How do I reset my password? | How can I reset my password?
        How do I reset my password? | What is the best way to reset my password?
        How do I cancel my subscription? | How can I cancel a subscription
        What is the capital of France? | Can you tell me what the capital of France is?
        What is the capital of France? | what's the capital of france
        Define entropy | What is entropy?
        Explain photosynthesis | Can you explain photosynthesis please?
        How do I delete a file in Python? | How to erase files in Python
        How do I log in to the portal? | How can I sign in to the portal?
        What are the symptoms of diabetes? | Tell me the symptoms of diabetes
        How do I turn off notifications on my phone? | How can I switch off notifications on my telephone?
        Where can I buy stamps? | Where can I purchase stamps?
        How much does shipping cost? | How much does the delivery cost?
        Could you summarize this article? | Please summarise this article
        How do I fix a flat tire? | How to repair a flat tire
        What does HTTP stand for? | What does HTTP stand for
        Give me an example of recursion | Please give me an example of a recursion
        How do I sort a list in Python? | How can one sort a list in Python?
        Why is the sky blue? | Can you explain why the sky is blue?
        How old is the universe? | How old is the universe actually?
        Who is the author of Dune? | Who is the writer of Dune?
        How do I create a new branch in git? | How can I create a new branch in git, please?
        What is the difference between TCP and UDP? | Explain the difference between TCP and UDP
        How many planets are there? | What is the number of planets?
        How do I choose a colour? | How can I pick a color?
        When does the store open? | At what time does the store open?
        What are the advantages of solar power? | What are the benefits of solar power?
        Is there a way to export my data? | How do I export my data?
        I want to know how to change my email address | How do I change my e-mail address?
        Show me how to use the API | How do I use the API?
        How do I track my order? | Tell me how to track my order
        What payment methods do you accept? | Which payment methods do you accept?
    """),
    different=_read("""
        What is the capital of France? | What is the capital of Spain?
        What is the weather in paris? | What is the weather in london?
        Convert 5 miles to kilometers | Convert 6 miles to kilometers
        Convert 5 miles to kilometers | Convert 5 kilometers to miles
        Is it safe to take aspirin while pregnant? | Is it not safe to take aspirin while pregnant?
        How do I enable notifications? | How do I disable notifications?
        Does smoking cause cancer? | Does cancer cause smoking?
        Did Germany invade Poland? | Did Poland invade Germany?
        Who was president in 1990? | Who was president in 1991?
        Who is the president? | Who was the president?
        How do I open an account? | How do I close an account?
        What is the largest city in Texas? | What is the smallest city in Texas?
        How do I upload a file? | How do I download a file?
        Translate "hello" to French | Translate "goodbye" to French
        Translate this from English to German | Translate this from German to English
        What is 15% of 200? | What is 20% of 150?
        How do I sort a list ascending? | How do I sort a list descending?
        When was Napoleon born? | Where was Napoleon born?
        Who wrote Hamlet? | Who wrote Macbeth?
        How do I install Python 3.11? | How do I install Python 3.12?
        What's your name? | What's my name?
        Can I take ibuprofen with alcohol? | Can I take paracetamol with alcohol?
        How do I encrypt a file? | How do I decrypt a file?
        Is Python faster than Java? | Is Java faster than Python?
        List three benefits of exercise | List five benefits of exercise
        How do I connect to the VPN on Windows? | How do I connect to the VPN on Linux?
        What should I eat before a workout? | What should I eat after a workout?
        Write a poem about love | Write a poem about hate
        Can I return an item without a receipt? | Can I return an item with a receipt?
        How do I add a user to a group? | How do I remove a user from a group?
        What is the boiling point of water? | What is the freezing point of water?
        How do I fix error 404? | How do I fix error 500?
        Should I sell my house? | Should I buy my house?
        What does `git pull` do? | What does `git push` do?
        How many calories are in an apple? | How many calories are in an orange?
        What time is it in Tokyo? | What time is it in Kyoto?
        Is it legal to record calls in California? | Is it legal to record calls in Nevada?
        Summarize chapter one | Summarize chapter two
        How do I lock my phone? | How do I unlock my phone?
        How do I raise my credit score? | How do I lower my credit score?
        What is the maximum speed? | What is the minimum speed?
        Why did the stock go up? | Why did the stock go down?
        Can I drink coffee? | Should I drink coffee?
        What is x > y? | What is x < y?
        How do I use map in C? | How do I use map in C++?
        Who is older, Anna or Ben? | Who is older, Anna or Tom?
        What are vegan recipes with nuts? | What are vegan recipes without nuts?
        Explain why I should invest | Explain why I should never invest
    """),
)

HELD_BACK = Pairs(
    same=_read("""
        How can I renew my passport? | What is the way to renew a passport?
        What is inflation? | Explain inflation
        How do I boil an egg? | How can I boil an egg?
        Where can I find the user manual? | Where can I locate the user manual?
        How do I write a cover letter? | Could you tell me how to write a cover letter?
        What's the meaning of serendipity? | What is serendipity?
        How do I turn on dark mode? | How do I enable dark mode?
        How can I repair a leaking tap? | How do I fix a leaking tap?
        What is the purpose of a firewall? | What is the goal of a firewall?
        What is the price of gold? | what's the price of gold?
        How do you make pancakes? | How do I make pancakes?
        How to remove a stain from a carpet | How do I get rid of a stain on my carpet?
        What is the tallest mountain in the world? | Which mountain is the tallest in the world?
        Tell me about the French Revolution | What was the French Revolution?
        How do I speak to an agent? | I want to talk to a human
        What time do you open? | When do you open?
        Do you ship to Canada? | Is shipping to Canada possible?
        How do I change the language of the app? | How can I change the language in the app settings?
        What are your opening hours? | When are you open?
        How do I write a for loop in Rust? | Rust for loop syntax
    """),
    different=_read("""
        How do I apply for a visa to Japan? | How do I apply for a visa to China?
        What is the population of Sweden? | What is the population of Norway?
        How do I charge an iPhone 14? | How do I charge an iPhone 15?
        Who won the world cup in 2014? | Who won the world cup in 2018?
        Is it safe to mix bleach and vinegar? | Is it safe to mix baking soda and vinegar?
        Can dogs eat grapes? | Can dogs eat carrots?
        Can dogs eat grapes? | Can cats eat grapes?
        How do I increase the font size? | How do I decrease the font size?
        Should I refinance my mortgage? | Should I not refinance my mortgage?
        What is the tax rate for married couples? | What is the tax rate for single people?
        What is the fastest route from Rome to Milan? | What is the fastest route from Milan to Rome?
        How do I mute a call? | How do I unmute a call?
        How do I merge two branches? | How do I merge three branches?
        What does a red light mean? | What does a green light mean?
        What is the dosage for adults? | What is the dosage for children?
        Does caffeine affect sleep? | Does sleep affect caffeine?
        Did the teacher praise the student? | Did the student praise the teacher?
        What happened on July 4? | What happened on July 14?
        How long should I bake chicken? | How long should I bake fish?
        What is the square root of 16? | What is the square of 16?
        Write a function that returns true | Write a function that returns false
        Write the test in pytest | Write the test in unittest
        Give me the first name | Give me the last name
        Where is the nearest hospital? | Where is the nearest pharmacy?
        Who is the CEO of Apple? | Who is the CFO of Apple?
        How do I start the server? | How do I stop the server?
        Can I cancel within 14 days? | Can I cancel after 14 days?
        How many grams are in an ounce? | How many ounces are in a gram?
        Is the museum open on Monday? | Is the museum open on Sunday?
        How do I subscribe to the newsletter? | How do I unsubscribe from the newsletter?
        What are the side effects of drug A? | What are the side effects of drug B?
        Is a tomato a fruit? | Is a potato a fruit?
        Explain the theory of evolution | Explain the theory of relativity
        What is the best phone under $500? | What is the best phone over $500?
        How was the weather yesterday? | How is the weather today?
        Can I bring liquids in hand luggage? | Can I bring liquids in checked luggage?
        Does the plan include dental care? | Does the plan exclude dental care?
        How do I divide a by b? | How do I divide b by a?
        What did he say to her? | What did she say to him?
        Show me flights from Boston to Denver | Show me flights from Denver to Boston
        How do I win at chess? | How do I lose at chess?
        When does winter begin? | When does winter end?
        Which is heavier, gold or lead? | Which is lighter, gold or lead?
        Summarize the email from Alice | Summarize the email to Alice
        Delete all files except the logs | Delete all files including the logs
        Is water conductive? | Isn't water conductive?
    """),
)
