"""What the page is made of, whatever it tells: tables, figures, text, and the HTML around them."""
